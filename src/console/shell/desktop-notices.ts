const key = 'twincast-desktop-notices'

/** Whether the browser can show notifications of the system, and the person has not refused them. */
export const mayNotify = (): boolean => 'Notification' in window && Notification.permission !== 'denied'

/** Whether the person has turned them on. */
export const notifies = (): boolean =>
  mayNotify() && Notification.permission === 'granted' && localStorage.getItem(key) === 'on'

/** Turns them on, for which the browser asks the person, or off. Resolves with whether they are on. */
export async function setNotifies(isOn: boolean): Promise<boolean> {
  if (!isOn) localStorage.removeItem(key)
  else if ((await Notification.requestPermission()) === 'granted') localStorage.setItem(key, 'on')
  return notifies()
}

/** Shows one. `onSelect` is called when it is selected. */
export function notify(title: string, tag: string, onSelect: () => void): void {
  if (!notifies()) return
  const notification = new Notification(title, { tag })
  notification.addEventListener('click', () => {
    window.focus()
    onSelect()
  })
}
