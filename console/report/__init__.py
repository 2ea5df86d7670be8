"""Reports for people: a day, a week, or one alert, told from records alone."""
