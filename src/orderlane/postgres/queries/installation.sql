-- installation: Read what is fixed for the whole installation.
SELECT lane_count, currency FROM installation;
