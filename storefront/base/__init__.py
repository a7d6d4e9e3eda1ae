"""What every part of the shop stands on: database, tables, languages, headers and error pages."""
