-- Deliveries, vehicles, routes, proofs and occurrences.
-- Where a delivery goes stands with the site or the customer and is read from there, so that what is forgotten about a
-- person is forgotten here too.

create table vehicles (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  plate text not null check (plate ~ '^[A-Z]{3}[0-9][A-Z0-9][0-9]{2}$'),
  name text not null check (length(name) between 1 and 200),
  capacity_kg numeric(14,3) not null check (capacity_kg > 0 and capacity_kg <= 99999999.999),
  capacity_m3 numeric(14,6) not null check (capacity_m3 > 0 and capacity_m3 <= 99999.999999),
  active boolean not null default true,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  name_key text not null generated always as (search_text(name)) stored,
  primary key (tenant_id, id),
  constraint vehicles_plate_key unique (tenant_id, plate)
);
create index vehicles_by_name on vehicles (tenant_id, name_key, id);
call secure_tenant_table('vehicles');

-- One vehicle on one day. `explanation` are sentences in the store's language: what the plan had to assume.
create table routes (
  tenant_id uuid not null,
  id uuid not null,
  day date not null check (day between '1900-01-01' and '2999-12-31'),
  vehicle_id uuid not null,
  driver_id uuid,
  status text not null check (status in ('planned', 'out', 'finished', 'cancelled')),
  planned_departure timestamptz not null,
  planned_return timestamptz not null,
  planned_distance_m integer not null check (planned_distance_m between 0 and 100000000),
  planned_duration_s integer not null check (planned_duration_s between 0 and 10000000),
  planned_cost numeric(14,2) not null check (planned_cost between 0 and 999999999999.99),
  driven_distance_m integer check (driven_distance_m between 0 and 100000000),
  cost numeric(14,2) check (cost between 0 and 999999999999.99),
  explanation text[] not null default '{}' check (pg_column_size(explanation) <= 8192),
  created_by uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  departed_at timestamptz,
  finished_at timestamptz,
  version integer not null default 1 check (version > 0),
  primary key (tenant_id, id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
  foreign key (tenant_id, driver_id) references users (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id),
  check (status not in ('out', 'finished') or (departed_at is not null and driver_id is not null)),
  check ((status = 'finished') = (finished_at is not null))
);
create unique index routes_planned on routes (tenant_id, day, vehicle_id) where status = 'planned';
create index routes_newest on routes (tenant_id, created_at desc, id desc);
create index routes_of_driver on routes (tenant_id, driver_id, created_at desc, id desc);
create index routes_of_day on routes (tenant_id, day, vehicle_id);
call secure_tenant_table('routes');

create table deliveries (
  tenant_id uuid not null,
  id uuid not null,
  serial bigint not null check (serial > 0),
  number text not null check (length(number) between 1 and 40),
  order_id uuid not null,
  status text not null default 'planned' check (
    status in (
      'planned', 'assigned', 'out', 'arrived', 'delivered', 'delivered_with_issue', 'failed', 'cancelled'
    )
  ),
  -- 0 low, 1 normal, 2 high, 3 urgent.
  priority smallint not null default 1 check (priority between 0 and 3),
  scheduled_on date check (scheduled_on between '1900-01-01' and '2999-12-31'),
  window_from timestamptz,
  window_to timestamptz,
  notes text not null default '' check (length(notes) <= 4000),
  weight_kg numeric(14,3) not null check (weight_kg between 0 and 99999999999.999),
  volume_m3 numeric(14,6) not null check (volume_m3 between 0 and 99999999.999999),
  -- False when a product's weight or volume is not known, and the sums are too small.
  measured boolean not null,
  route_id uuid,
  position integer check (position between 1 and 1000),
  trip integer check (trip between 1 and 100),
  -- Stays on its vehicle when the day is planned anew.
  locked boolean not null default false,
  placed_by text check (placed_by in ('coordinates', 'postal_code', 'cluster', 'unknown')),
  planned_arrival timestamptz,
  leg_distance_m integer check (leg_distance_m between 0 and 100000000),
  leg_duration_s integer check (leg_duration_s between 0 and 10000000),
  planned_cost numeric(14,2) check (planned_cost between 0 and 999999999999.99),
  cost numeric(14,2) check (cost between 0 and 999999999999.99),
  reason text check (length(reason) <= 4000),
  created_by uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  departed_at timestamptz,
  arrived_at timestamptz,
  finished_at timestamptz,
  -- Against the end of its window, else the end of its day; null when nothing was promised.
  on_time boolean,
  version integer not null default 1 check (version > 0),
  primary key (tenant_id, id),
  unique (tenant_id, serial),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, route_id) references routes (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id),
  check (window_from <= window_to),
  check (status not in ('assigned', 'out', 'arrived') or (route_id is not null and position is not null)),
  check (status <> 'planned' or (route_id is null and not locked)),
  check (
    (status in ('delivered', 'delivered_with_issue', 'failed', 'cancelled')) = (finished_at is not null)
  )
);
create index deliveries_newest on deliveries (tenant_id, created_at desc, id desc);
create index deliveries_of_order on deliveries (tenant_id, order_id, id);
create index deliveries_of_route on deliveries (tenant_id, route_id, position) where route_id is not null;
create index deliveries_waiting on deliveries (tenant_id, priority desc, created_at) where status = 'planned';
call secure_tenant_table('deliveries');

create table delivery_items (
  tenant_id uuid not null,
  delivery_id uuid not null,
  order_item_id uuid not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  -- What the customer kept; null until the delivery has ended.
  delivered_quantity numeric(14,3) check (delivered_quantity between 0 and 99999999999.999),
  primary key (tenant_id, delivery_id, order_item_id),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, order_item_id) references order_items (tenant_id, id),
  check (delivered_quantity <= quantity)
);
create index delivery_items_of_item on delivery_items (tenant_id, order_item_id);
call secure_tenant_table('delivery_items');

create table delivery_proofs (
  tenant_id uuid not null,
  delivery_id uuid not null,
  receiver_name text check (length(receiver_name) between 1 and 200),
  receiver_document text check (length(receiver_document) between 1 and 40),
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  -- When it happened, by the driver's clock; recorded_at is ours.
  happened_at timestamptz not null,
  recorded_by uuid,
  recorded_at timestamptz not null,
  primary key (tenant_id, delivery_id),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, recorded_by) references users (tenant_id, id),
  check ((latitude is null) = (longitude is null))
);
call secure_tenant_table('delivery_proofs');

-- The image itself is a file of that name in the store's own directory.
create table delivery_images (
  tenant_id uuid not null,
  id uuid not null,
  delivery_id uuid not null,
  kind text not null check (kind in ('photo', 'signature')),
  file_name text not null check (file_name ~ '^[0-9a-f]{48}\.(jpg|png)$'),
  media_type text not null check (media_type in ('image/jpeg', 'image/png')),
  width integer not null check (width between 1 and 10000),
  height integer not null check (height between 1 and 10000),
  size_bytes integer not null check (size_bytes between 1 and 20971520),
  created_by uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, file_name),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create index delivery_images_of_delivery on delivery_images (tenant_id, delivery_id, id);
-- Forgetting a person takes them away.
call secure_tenant_table('delivery_images', deletable => true);

create table delivery_occurrences (
  tenant_id uuid not null,
  id uuid not null,
  delivery_id uuid not null,
  kind text not null check (kind in ('missing', 'wrong', 'damaged', 'absent', 'refused', 'other')),
  order_item_id uuid,
  quantity numeric(14,3) check (quantity > 0 and quantity <= 99999999999.999),
  note text check (length(note) <= 4000),
  reported_by uuid,
  reported_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, delivery_id, order_item_id)
    references delivery_items (tenant_id, delivery_id, order_item_id),
  foreign key (tenant_id, reported_by) references users (tenant_id, id),
  check ((order_item_id is null) = (quantity is null))
);
create index delivery_occurrences_of_delivery on delivery_occurrences (tenant_id, delivery_id, id);
call secure_tenant_table('delivery_occurrences');

-- What a customer follows a delivery with. Only a hash of the token is kept.
create table delivery_links (
  tenant_id uuid not null,
  id uuid not null,
  delivery_id uuid not null,
  token_hash bytea not null check (length(token_hash) = 32),
  created_by uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create index delivery_links_of_delivery on delivery_links (tenant_id, delivery_id);
call secure_tenant_table('delivery_links');


create function vehicle_json(vehicle vehicles) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', vehicle.id,
  'plate', vehicle.plate,
  'name', vehicle.name,
  'capacity_kg', vehicle.capacity_kg::text,
  'capacity_m3', vehicle.capacity_m3::text,
  'active', vehicle.active,
  'version', vehicle.version,
  'created_at', vehicle.created_at,
  'updated_at', vehicle.updated_at
)::text;

create function delivery_items_json(tenant uuid, delivery uuid) returns json
language sql stable parallel safe
return (
  select json_agg(
    json_build_object(
      'order_item_id', item.order_item_id,
      'product_id', ordered.product_id,
      'sku', ordered.sku,
      'name', ordered.name,
      'unit', ordered.unit,
      'quantity', item.quantity::text,
      'delivered_quantity', item.delivered_quantity::text
    )
    order by ordered.position
  )
  from delivery_items as item
  join order_items as ordered
    on ordered.tenant_id = item.tenant_id
    and ordered.id = item.order_item_id
  where item.tenant_id = tenant
    and item.delivery_id = delivery
);

-- `allowed` is a JSON object from status to the actions the caller may take.
create function delivery_json(d deliveries, allowed text) returns json
language sql stable parallel safe
return (
  select json_build_object(
    'id', d.id,
    'number', d.number,
    'status', d.status,
    'order_id', d.order_id,
    'order_number', o.number,
    'customer_name', c.name,
    'customer_phone', c.phone,
    'site_name', s.name,
    'address', case when s.id is null then c.address else s.address end,
    'postal_code', case when s.id is null then c.postal_code else s.postal_code end,
    'latitude', s.latitude,
    'longitude', s.longitude,
    'priority', (array['low', 'normal', 'high', 'urgent'])[d.priority + 1],
    'scheduled_on', d.scheduled_on,
    'window_from', d.window_from,
    'window_to', d.window_to,
    'notes', d.notes,
    'weight_kg', d.weight_kg::text,
    'volume_m3', d.volume_m3::text,
    'measured', d.measured,
    'items', delivery_items_json(d.tenant_id, d.id),
    'route_id', d.route_id,
    'position', d.position,
    'trip', d.trip,
    'locked', d.locked,
    'placed_by', d.placed_by,
    'planned_arrival', d.planned_arrival,
    'leg_distance_m', d.leg_distance_m,
    'planned_cost', d.planned_cost::text,
    'cost', d.cost::text,
    'proof', (
      select json_build_object(
        'receiver_name', p.receiver_name,
        'receiver_document', p.receiver_document,
        'latitude', p.latitude,
        'longitude', p.longitude,
        'happened_at', p.happened_at,
        'recorded_by', p.recorded_by,
        'recorded_at', p.recorded_at
      )
      from delivery_proofs as p
      where p.tenant_id = d.tenant_id
        and p.delivery_id = d.id
    ),
    'images', coalesce((
      select json_agg(
        json_build_object(
          'id', i.id, 'kind', i.kind, 'media_type', i.media_type, 'width', i.width, 'height', i.height,
          'size_bytes', i.size_bytes, 'created_at', i.created_at
        )
        order by i.id
      )
      from delivery_images as i
      where i.tenant_id = d.tenant_id
        and i.delivery_id = d.id
    ), '[]'::json),
    'occurrences', coalesce((
      select json_agg(
        json_build_object(
          'id', r.id, 'kind', r.kind, 'order_item_id', r.order_item_id, 'quantity', r.quantity::text,
          'note', r.note, 'reported_by', r.reported_by, 'reported_at', r.reported_at
        )
        order by r.id
      )
      from delivery_occurrences as r
      where r.tenant_id = d.tenant_id
        and r.delivery_id = d.id
    ), '[]'::json),
    'reason', d.reason,
    'on_time', d.on_time,
    'created_at', d.created_at,
    'updated_at', d.updated_at,
    'departed_at', d.departed_at,
    'arrived_at', d.arrived_at,
    'finished_at', d.finished_at,
    'version', d.version,
    'allowed_actions', allowed::json -> d.status
  )
  from orders as o
  left join customers as c
    on c.tenant_id = o.tenant_id
    and c.id = o.customer_id
  left join sites as s
    on s.tenant_id = o.tenant_id
    and s.id = o.site_id
  where o.tenant_id = d.tenant_id
    and o.id = d.order_id
);

create function route_json(r routes, allowed text) returns json
language sql stable parallel safe
return (
  select json_build_object(
    'id', r.id,
    'day', r.day,
    'status', r.status,
    'vehicle_id', r.vehicle_id,
    'vehicle_plate', v.plate,
    'vehicle_name', v.name,
    'driver_id', r.driver_id,
    'driver_name', u.name,
    'planned_departure', r.planned_departure,
    'planned_return', r.planned_return,
    'planned_distance_m', r.planned_distance_m,
    'planned_duration_s', r.planned_duration_s,
    'planned_cost', r.planned_cost::text,
    'driven_distance_m', r.driven_distance_m,
    'cost', r.cost::text,
    'explanation', r.explanation,
    'stops', coalesce((
      select json_agg(
        json_build_object(
          'delivery_id', d.id, 'number', d.number, 'status', d.status, 'position', d.position, 'trip', d.trip,
          'locked', d.locked, 'placed_by', d.placed_by, 'customer_name', c.name, 'site_name', s.name,
          'address', case when s.id is null then c.address else s.address end,
          'postal_code', case when s.id is null then c.postal_code else s.postal_code end,
          'latitude', s.latitude, 'longitude', s.longitude,
          'weight_kg', d.weight_kg::text, 'volume_m3', d.volume_m3::text,
          'window_from', d.window_from, 'window_to', d.window_to,
          'planned_arrival', d.planned_arrival, 'leg_distance_m', d.leg_distance_m
        )
        order by d.position
      )
      from deliveries as d
      join orders as o
        on o.tenant_id = d.tenant_id
        and o.id = d.order_id
      left join customers as c
        on c.tenant_id = o.tenant_id
        and c.id = o.customer_id
      left join sites as s
        on s.tenant_id = o.tenant_id
        and s.id = o.site_id
      where d.tenant_id = r.tenant_id
        and d.route_id = r.id
    ), '[]'::json),
    'created_at', r.created_at,
    'updated_at', r.updated_at,
    'departed_at', r.departed_at,
    'finished_at', r.finished_at,
    'version', r.version,
    'allowed_actions', allowed::json -> r.status
  )
  from vehicles as v
  left join users as u
    on u.tenant_id = r.tenant_id
    and u.id = r.driver_id
  where v.tenant_id = r.tenant_id
    and v.id = r.vehicle_id
);

-- What of an order's item no delivery has brought or is about to bring.
create function owed_quantity(tenant uuid, item uuid) returns numeric
language sql stable parallel safe
return (
  select ordered.quantity - coalesce((
    select sum(coalesce(brought.delivered_quantity, brought.quantity))
    from delivery_items as brought
    join deliveries as d
      on d.tenant_id = brought.tenant_id
      and d.id = brought.delivery_id
    where brought.tenant_id = tenant
      and brought.order_item_id = item
      and d.status not in ('failed', 'cancelled')
  ), 0)
  from order_items as ordered
  where ordered.tenant_id = tenant
    and ordered.id = item
);

-- Whether a delivery that arrived at this moment kept its window, else its day as days go at the store.
create function kept_promise(d deliveries, moment timestamptz) returns boolean
language sql stable parallel safe
return (
  case
    when d.window_to is not null then moment <= d.window_to
    when d.scheduled_on is not null then (
      select (moment at time zone t.time_zone)::date <= d.scheduled_on
      from tenants as t
      where t.id = d.tenant_id
    )
  end
);
