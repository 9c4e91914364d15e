-- Users and groups by id: { uid, gid, name, home, shell } and { gid, name }.
local M = { by_uid = {}, by_gid = {} }

local is_wanted = true

-- Take no users and groups: what is not known cannot be shown.
function M.ignore()
    is_wanted = false
end

function M.set_user(user)
    if not is_wanted then return end
    M.by_uid[user.uid] = user
end

function M.set_group(group)
    if not is_wanted then return end
    M.by_gid[group.gid] = group
end

function M.clear()
    for id in pairs(M.by_uid) do M.by_uid[id] = nil end
    for id in pairs(M.by_gid) do M.by_gid[id] = nil end
end

return M
