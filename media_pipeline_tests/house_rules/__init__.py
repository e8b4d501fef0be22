"""Rules of the house that no tool off the shelf knows: text and syntax trees, no database, no network."""
