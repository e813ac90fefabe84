-- waiting_orders: the oldest orders of the lanes that wait for the venue.
SELECT id, payload
FROM venue_outbox
WHERE lane = ANY ($1::smallint[]) AND id <> ALL ($2::bigint[])
ORDER BY id
LIMIT $3;

-- orders_at_the_venue: a lane's open individual orders that some gateway has handed over.
SELECT individual.id, individual.portfolio_order_id, individual.account_id, individual.lane, individual.side,
    individual.isin, individual.cash_amount, individual.quantity, individual.locked, individual.currency,
    individual.reference_price, individual.fractional
FROM portfolio_orders AS portfolio_order
JOIN orders AS individual
    ON individual.portfolio_order_id = portfolio_order.id AND individual.lane = portfolio_order.lane
WHERE portfolio_order.lane = $1
    AND portfolio_order.status IN ('NEW', 'PROCESSING')
    AND individual.status IN ('NEW', 'PROCESSING')
    AND NOT EXISTS (
        SELECT FROM venue_outbox
        WHERE venue_outbox.order_id = individual.id AND venue_outbox.lane = individual.lane
    )
ORDER BY portfolio_order.id, individual.leg;

-- hand_over: what the venue has accepted or refused leaves the outbox.
DELETE FROM venue_outbox WHERE id = ANY ($1::bigint[]);
