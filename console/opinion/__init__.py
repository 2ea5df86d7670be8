"""What the index knows of opinions: searched, counted and told as stories, for the page, reports and dashboards."""
