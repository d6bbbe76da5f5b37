import { Command } from '@commander-js/extra-typings'
import { createDevicesCall } from './devices/call.ts'
import { createDevicesCreate } from './devices/create.ts'
import { createDevicesDelete } from './devices/delete.ts'
import { createDevicesExport } from './devices/export.ts'
import { createDevicesImport } from './devices/import.ts'
import { createDevicesList } from './devices/list.ts'
import { createDevicesShow } from './devices/show.ts'

/** `twincast devices …` */
export const createDevices = () =>
  new Command('devices')
    .description('Reads, creates, deletes and calls devices.')
    .addCommand(createDevicesList())
    .addCommand(createDevicesShow())
    .addCommand(createDevicesCreate())
    .addCommand(createDevicesImport())
    .addCommand(createDevicesExport())
    .addCommand(createDevicesDelete())
    .addCommand(createDevicesCall())
