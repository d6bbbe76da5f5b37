/** Whether the keyboard is that of a Mac, with Command instead of Ctrl. */
export const isMac = /Mac|iPhone|iPad/.test(navigator.platform)
