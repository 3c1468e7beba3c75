"""National services that this service asks: patients at PDS and organisations at ODS. Source: ADR 0079 and 0080."""
