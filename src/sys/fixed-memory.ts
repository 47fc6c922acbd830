import koffi from "koffi";

/**
 * Memory at an address that is known and stays: structures of system calls can point to it, and a call
 * that is given the number takes half the time of one that must ask for a Buffer's. It lives as long as the process.
 */
export function fixedMemory(bytes: number): { memory: Buffer; address: bigint } {
  const pointer: unknown = koffi.alloc("uint8_t", bytes);
  const memory = Buffer.from(koffi.view(pointer, bytes));
  memory.fill(0);
  return { memory, address: koffi.address(pointer) };
}
