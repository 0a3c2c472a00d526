"""People rate what the machine cannot: by rubrics, twice where wanted, adjudicated where they differ."""
