-- Pages of the devices that are connected, or are not, in the order of their ids. A change of the connection state writes it, and
-- the primary key, because a row whose indexed columns change cannot stay in its place. Takeovers and activity do not.
create index device_connection on device (connection_state, id);
-- Few devices are disabled. So this index costs the others nothing.
create index device_disabled on device (id) where status = 'disabled';
