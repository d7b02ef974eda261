document.documentElement.dataset["hexseal"] = "stub";
