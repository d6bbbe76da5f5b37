-- The remainder in a bounded number of steps. Long division took one step for each power of two between its operands, up
-- to 2,100 of them (`1e308 % 5e-324`), so that a short condition could keep the database busy for minutes.
create or replace function double_remainder(a float8, b float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
  x float8 := abs(a);
  y float8 := abs(b);
  bits bigint;
  -- Each operand is fraction * 2^power, a whole number of 53 bits at most.
  x_fraction bigint;
  y_fraction bigint;
  x_power integer;
  y_power integer;
  rest float8;
begin
  if y = 0 or x = 'Infinity' then return null; end if;
  if x < y then return a; end if;
  if x < 2::float8 ^ 53 and trunc(x) = x and trunc(y) = y then
    rest := (x::bigint % y::bigint)::float8;
  else
    bits := ('x' || encode(float8send(x), 'hex'))::bit(64)::bigint;
    x_power := greatest(bits >> 52, 1) - 1075;
    x_fraction := bits & 4503599627370495 | case when bits >> 52 > 0 then 4503599627370496 else 0 end;
    bits := ('x' || encode(float8send(y), 'hex'))::bit(64)::bigint;
    y_power := greatest(bits >> 52, 1) - 1075;
    y_fraction := bits & 4503599627370495 | case when bits >> 52 > 0 then 4503599627370496 else 0 end;
    -- The dividend is not the smaller, so its power is not either. What is left has no bit below the divisor's lowest.
    if x_power - y_power <= 10 then
      rest := ((x_fraction << (x_power - y_power)) % y_fraction)::float8;
    else
      rest := mod(x_fraction::numeric * 2::numeric ^ (x_power - y_power), y_fraction::numeric)::bigint::float8;
    end if;
    -- In two steps, each of them exact: the power alone may be below the range.
    rest := rest * 2::float8 ^ (y_power / 2) * 2::float8 ^ (y_power - y_power / 2);
  end if;
  return case when a < 0 then -rest else rest end;
end $$;
