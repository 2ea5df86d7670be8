"""How good a rule is: alerts of a replay against events that are known to have happened. Pure."""
