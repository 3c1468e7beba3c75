"""Documents on paper: templates, fonts, and the typesetter that makes PDFs of them."""
