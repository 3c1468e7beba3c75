"""Tests of every act on a referral, through the API with a small PAS, and of administrators' acts."""
