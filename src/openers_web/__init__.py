"""The web kit: what all pages for people share. It knows HTTP, HTML and OpenID Connect, and no domain.

Layout and parts return HTML as `Markup`. Log-in, sessions and forms are for Starlette applications; the layout, the
parts and the headers work in any server. `docs/contributing/pages.md` shows how a page is written.
"""
