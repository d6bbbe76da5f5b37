/**
 * The codes of device jobs that fail while their job runs. Those that fail with the end of their job have another one
 * (`timeUp`).
 */
export const errorCodes = [
  'DeviceNotFound',
  'DeviceNotOnline',
  'DeviceDisabled',
  'GatewayTimeout',
  'OutcomeUnknown',
  'ArgumentInvalid',
  'BadDeviceResponse',
] as const
export type ErrorCode = (typeof errorCodes)[number]
