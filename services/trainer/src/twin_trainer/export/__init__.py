"""Other formats of a merged model, each compared with it."""
