-- Containers and the cgroups they are known by. `by_cgroup[id]` is the container of an event's cgroup, nil = host.
local M = { by_id = {}, by_cgroup = {}, by_ip = {}, path_of = {}, count = 0, latest = false }

local address = require("state.address")

-- Take what a CONTAINER record says; the table of an id stays the same object, whatever is learned later. `latest` is
-- what was taken last.
function M.update(info)
    local container = M.by_id[info.id]
    if not container then
        container = {}
        M.by_id[info.id], M.count = container, M.count + 1
    elseif container.ip_raw and M.by_ip[container.ip_raw] == container then
        M.by_ip[container.ip_raw] = nil
    end
    if info.ip_raw == nil then info.ip_raw = address.parse_v4(info.ip) or false end
    for key, value in pairs(info) do container[key] = value end
    M.latest = info
    -- whoever was told of it, was told something else
    container.told = nil
    if container.ip_raw then M.by_ip[container.ip_raw] = container end
    return container
end

-- A cgroup of which only the container's id is known yet.
local function bare(id)
    return M.update({
        id = id, full_id = id, type = "", name = "", image = "", image_id = "", image_repo = "", image_tag = "",
        image_digest = "", ip = "", privileged = false, labels = {},
    })
end

-- What a cgroup id means from now on; "" as container id is the host.
function M.set_cgroup(cgroup, path, id)
    M.path_of[cgroup] = path
    M.by_cgroup[cgroup] = id ~= "" and (M.by_id[id] or bare(id)) or nil
end

-- A cgroup id that came into use again: not what it meant before, and not known yet.
function M.forget_cgroup(cgroup)
    M.by_cgroup[cgroup], M.path_of[cgroup] = nil, nil
end

-- A removed cgroup: its late events still find the container; its address may go to another one.
function M.cgroup_removed(cgroup)
    local container = M.by_cgroup[cgroup]
    if container and container.ip_raw and M.by_ip[container.ip_raw] == container then
        M.by_ip[container.ip_raw] = nil
    end
end

-- The container of a thread outside of any event; what was found by the paths of its cgroups, where no event names one.
function M.of_thread(thread)
    return M.by_cgroup[thread.cgroup] or thread.container or nil
end

return M
