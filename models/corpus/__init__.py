"""The corpus written for this project: `texts/` holds it, `GUIDE.md` says how it is written and labelled."""
