"""History through the engine that runs live, and the log of alerts that comes of it. Pure: records in, events out."""
