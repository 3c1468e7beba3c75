"""Neighbours: patients from PDS and organisations from ODS, by mock servers in processes of their own."""
