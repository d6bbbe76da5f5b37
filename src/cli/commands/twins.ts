import { Command } from '@commander-js/extra-typings'
import { createTwinsPatch } from './twins/patch.ts'
import { createTwinsShow } from './twins/show.ts'

/** `twincast twins …` */
export const createTwins = () =>
  new Command('twins')
    .description('Reads and changes the twin of a device.')
    .addCommand(createTwinsShow())
    .addCommand(createTwinsPatch())
