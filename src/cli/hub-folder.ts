import { text } from './options.ts'

/** The option of the commands that work on the data of a hub: its folder, unless its database is in DATABASE_URL. */
export const hubFolder = () =>
  text('--data-dir <FOLDER>', 'the data folder of the hub', /./, 'the data folder of a hub')
    .env('DATA_DIR')
    .default('.twincast')
