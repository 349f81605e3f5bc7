"""The conformance cases, as code: what is minted, what is asked, what must come out. `../generate` writes them."""
