/**
 * The name that devices know the hub by and have to sign for. The hub writes it into the page; where it did not, as while
 * somebody works on the console itself, it is the host that the page came from.
 */
export function hubNameOf(written: string | undefined, host: string): string {
  return written === undefined || /[{}]|^$/.test(written) ? host : written
}

/** What a device is given to connect with, in the form of IoT Hub. */
export function connectionStringOf(hubName: string, deviceId: string, key: string): string {
  return `HostName=${hubName};DeviceId=${deviceId};SharedAccessKey=${key}`
}
