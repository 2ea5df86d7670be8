"""`tocsin replay`: the past through the rules of now."""
