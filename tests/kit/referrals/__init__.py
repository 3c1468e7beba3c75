"""People and referrals in each state, with a PAS behind them, and the requests of acts on them."""
