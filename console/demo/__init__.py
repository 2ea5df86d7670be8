"""`tocsin demo`: an invented day through the real pipeline, watched, verified and added up."""
