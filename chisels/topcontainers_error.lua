-- Containers by the number of their system calls that failed.
--
--   sysdig-py -c topcontainers_error
--
--   #Errors             container.name
--   --------------------------------------------------------------------------------
--   5                   web

description = "Shows the containers in which the most system calls failed; the host is left out."
short_description = "Top containers by number of errors"
category = "Errors"

args = {}

function on_init()
    chisel.exec("table_generator", "container.name", "container.name",
        "evt.count", "#Errors",
        "evt.failed=true and container.name!=host", "100", "none")
    return true
end
