-- Files by the number of failed calls on them.
--
--   sysdig-py -c topfiles_errors
--
--   #Errors             Filename
--   --------------------------------------------------------------------------------
--   3                   /dev/pts/ptmx

description = "Shows the files on which the most system calls failed. With -pc the container is shown."
short_description = "Top files by number of errors"
category = "Errors"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "fd.name,container.name", "Filename,container.name",
            "evt.count", "#Errors",
            "fd.type=file and evt.failed=true", "100", "none")
        return true
    end
    chisel.exec("table_generator", "fd.name", "Filename",
        "evt.count", "#Errors",
        "fd.type=file and evt.failed=true", "100", "none")
    return true
end
