"""Which container a cgroup is: paths (`cgroup`), engines (`runtimes`), and what joins them (`resolver`)."""
