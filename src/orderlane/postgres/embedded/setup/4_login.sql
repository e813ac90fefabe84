-- The last step: from here on the cluster counts as set up.
ALTER ROLE orderlane LOGIN;
