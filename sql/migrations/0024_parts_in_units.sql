-- Parts of an order's items are shown in the unit that the line is sold in, beside the exact quantity in the product's
-- own: of five boxes of 2.32 m² two that came back are 2.000 and 4.640.

-- A quantity of the product's own unit in the unit of the line; to the thousandth, because half a square metre of a box
-- has no end as a number of boxes.
create function line_quantity(line order_items, own_quantity numeric) returns numeric
language sql immutable parallel safe
return round(own_quantity * line.sold_quantity / line.quantity, 3);

create or replace function delivery_items_json(tenant uuid, delivery uuid) returns json
language sql stable parallel safe
return (
  select json_agg(
    json_build_object(
      'order_item_id', item.order_item_id,
      'product_id', ordered.product_id,
      'sku', ordered.sku,
      'name', ordered.name,
      'unit', ordered.sold_unit,
      'quantity', line_quantity(ordered, item.quantity)::text,
      'stock_unit', ordered.unit,
      'stock_quantity', item.quantity::text,
      'delivered_quantity', line_quantity(ordered, item.delivered_quantity)::text,
      'stock_delivered_quantity', item.delivered_quantity::text
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
create or replace function delivery_json(d deliveries, allowed text) returns json
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
          'id', r.id, 'kind', r.kind, 'order_item_id', r.order_item_id,
          'quantity', line_quantity(ordered, r.quantity)::text, 'unit', ordered.sold_unit,
          'stock_quantity', r.quantity::text, 'stock_unit', ordered.unit, 'note', r.note, 'reported_by', r.reported_by, 'reported_at', r.reported_at
        )
        order by r.id
      )
      from delivery_occurrences as r
      left join order_items as ordered
        on ordered.tenant_id = r.tenant_id
        and ordered.id = r.order_item_id
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

create or replace function order_json(o orders, customer_name text, site_name text, allowed text) returns json
language sql stable parallel safe
return json_build_object(
  'id', o.id,
  'number', o.number,
  'status', o.status,
  'fulfilment', o.fulfilment,
  'quote_id', o.quote_id,
  'customer_id', o.customer_id,
  'customer_name', customer_name,
  'site_id', o.site_id,
  'site_name', site_name,
  'location_id', o.location_id,
  'items', o.items,
  'subtotal', o.subtotal::text,
  'discount_percent', o.discount_percent::text,
  'discount_amount', o.discount_amount::text,
  'total', o.total::text,
  'left_total', o.left_total::text,
  'left_items', case
    when o.left_total is null then '[]'::json
    else (
      select json_agg(
        json_build_object(
          'item_id', item.id,
          'unit', item.sold_unit,
          'quantity', line_quantity(item, gone.quantity)::text,
          'stock_unit', item.unit,
          'stock_quantity', gone.quantity::numeric(14,3)::text
        )
        order by item.position
      )
      from order_items as item
      cross join lateral (select left_quantity(o.tenant_id, item.id) as quantity) as gone
      where item.tenant_id = o.tenant_id
        and item.order_id = o.id
    )
  end,
  'notes', o.notes,
  'reason', o.reason,
  'created_by', o.created_by,
  'created_at', o.created_at,
  'updated_at', o.updated_at,
  'prepared_at', o.prepared_at,
  'dispatched_at', o.dispatched_at,
  'ready_at', o.ready_at,
  'delivered_at', o.delivered_at,
  'cancelled_at', o.cancelled_at,
  'version', o.version,
  'allowed_actions', allowed::json -> o.fulfilment -> o.status
);
