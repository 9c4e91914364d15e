-- Users and groups by id: { uid, gid, name, home, shell } and { gid, name }.
local M = { by_uid = {}, by_gid = {} }

function M.set_user(user)
    M.by_uid[user.uid] = user
end

function M.set_group(group)
    M.by_gid[group.gid] = group
end

return M
