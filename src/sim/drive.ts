import type { World } from "./world.ts";

/** Turns of the event loop until whatever was woken has done what it can without more time. */
const turns = 4;
/** Events between two looks at what the system itself wants: signals, files. */
const eventsPerLook = 2000;

/**
 * Lets a world's time go on as long as somebody waits for it, and stand still while he does something else.
 * Whoever waits calls `sleep` or `during` of the world; what he does then takes no time.
 */
export function drive(world: World): void {
  let isDriving = false;
  const go = async () => {
    if (isDriving) return;
    isDriving = true;
    let events = 0;
    await settled();
    while (world.sleepers > 0) {
      if (!world.clock.step()) throw new Error("a simulated world stands still");
      if (world.takeWake() || ++events % eventsPerLook === 0) await settled();
    }
    isDriving = false;
  };
  world.onSleeping = () => void go();
}

async function settled(): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
