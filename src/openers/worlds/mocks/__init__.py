"""Mock servers of national services: they speak the wire formats of PDS and ODS, with the people of a pack."""
