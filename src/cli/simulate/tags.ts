const firstBuilding = 41
const buildings = 4
const floorsPerBuilding = 5

/** The tags of a simulated device. */
export type SimulatedTags = { readonly simulated: true; readonly building: number; readonly floor: number }

/**
 * The tags of the device with this index in its fleet, so that conditions can select it. Consecutive devices are in
 * different buildings, and then on different floors.
 */
export const tagsOf = (index: number): SimulatedTags => ({
  simulated: true,
  building: firstBuilding + (index % buildings),
  floor: 1 + (Math.floor(index / buildings) % floorsPerBuilding),
})
