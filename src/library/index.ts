/** What programs may import from this package, for example the tests of a back end. docs/testing.md has examples. */
export { HubRefusedError, HubUnreachableError } from '../cli/hub-errors.ts'
export { RegistrationError } from '../cli/register-devices.ts'
export { ConfigurationError } from '../config.ts'
export type { Json, JsonObject } from '../json/json.ts'
export type { Answering, Behaviour } from '../simulator/behaviour.ts'
export { ConnectRefusedError, ConnectTimeoutError } from '../simulator/errors.ts'
export type { Latency } from '../simulator/latency.ts'
export type { LocalTwin } from '../simulator/local-twin.ts'
export { createHub, type Hub, type HubAddresses, type HubOptions, type HubSettings } from './create-hub.ts'
export {
  type DeviceDescription,
  type FleetOptions,
  type ReceivedCall,
  type SimulatedFleet,
  simulateFleet,
} from './simulate-fleet.ts'
