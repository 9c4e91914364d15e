"""Events and state for other programs: Arrow columns, Parquet files, SQL, packets for Wireshark."""
