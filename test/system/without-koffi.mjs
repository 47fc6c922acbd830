// Calls into Linux go by koffi: what runs on any system must not ask for it.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "koffi") throw new Error(`koffi is asked for by ${context.parentURL}`);
    return next(specifier, context);
  },
});
