/**
 * The host name of the hub, for which devices sign. The hub writes it into the page; without it, as in development of the
 * console, it is the host that served the page.
 */
export function hubNameOf(written: string | undefined, host: string): string {
  return written === undefined || /[{}]|^$/.test(written) ? host : written
}

/** The connection string of a device, in IoT Hub's form. */
export function connectionStringOf(hubName: string, deviceId: string, key: string): string {
  return `HostName=${hubName};DeviceId=${deviceId};SharedAccessKey=${key}`
}
