/** The icons on a grid of 16 × 16, as the paths of their strokes. */
export const iconPaths = {
  jobs: 'M2.5 4h11M2.5 8h7M2.5 12h9',
  schedule: 'M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  devices: 'M3 3h4v4H3zM9 3h4v4H9zM3 9h4v4H3zM9 9h4v4H9z',
  audit: 'M8 2 13 4v4c0 3-2 5-5 6-3-1-5-3-5-6V4zM5.8 8l1.6 1.6 2.9-3.2',
  webhook: 'M2 8h7M6.5 5 9.5 8l-3 3M11 3h3v10h-3',
  pending: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  running: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM6.5 5.5v5l4-2.5z',
  paused: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM6.3 5.5v5M9.7 5.5v5',
  succeeded: 'm3 8.5 3.2 3.2L13 4.8',
  partial: 'M8 2.5 14.5 13.5h-13zM8 6.5v3M8 11.4v.2',
  failed: 'm4 4 8 8M12 4l-8 8',
  refused: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM5 8h6',
  cancelled: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM4 12l8-8',
  waiting: 'M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  online:
    'M8 8h.01M5 11a4.2 4.2 0 0 1 0-6M11 5a4.2 4.2 0 0 1 0 6M2.8 13.2a7.4 7.4 0 0 1 0-10.4M13.2 2.8a7.4 7.4 0 0 1 0 10.4',
  offline: 'M8 8h.01M5 11a4.2 4.2 0 0 1 0-6M11 5a4.2 4.2 0 0 1 0 6M2.5 13.5l11-11',
  light:
    'M8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1M10.8 8a2.8 2.8 0 1 1-5.6 0 2.8 2.8 0 0 1 5.6 0Z',
  dark: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  system: 'M2 3h12v8H2zM5.5 13.5h5M8 11v2.5',
  search: 'M11.5 7a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0ZM10.3 10.3 14 14',
  close: 'm4 4 8 8M12 4l-8 8',
  up: 'M8 13V3M3.5 7.5 8 3l4.5 4.5',
  down: 'M8 3v10M3.5 8.5 8 13l4.5-4.5',
  external: 'M6.5 3H3v10h10V9.5M9 3h4v4M13 3 7.5 8.5',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.2M6.7 6.5h.2M9.3 6.5h.2M12 6.5h.2M4.5 9.5h7',
  plus: 'M8 3v10M3 8h10',
  method: 'M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4',
  twin: 'M2.5 2.5h7v7h-7zM6.5 6.5h7v7h-7z',
} as const

/** The names of the icons. */
export type IconName = keyof typeof iconPaths
