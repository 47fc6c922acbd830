const fileHeaderBytes = 24;
const recordHeaderBytes = 16;
/** The first four bytes of a file as this kind of machine writes it, with times in microseconds. */
const magic = 0xa1b2c3d4;

/** Cuts what tcpdump writes (pcap-savefile(5)) into packets, as it comes. */
export class PcapReader {
  #rest: Uint8Array = new Uint8Array();
  #linkType: number | undefined;

  /** Of the packets: LINKTYPE_LINUX_SLL is 113. Undefined before the file's header. */
  get linkType(): number | undefined {
    return this.#linkType;
  }

  /** The packets that are whole now. Throws where this is no capture. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const view = new DataView(all.buffer);
    let at = 0;
    if (this.#linkType === undefined) {
      if (all.length < fileHeaderBytes) {
        this.#rest = all;
        return [];
      }
      if (view.getUint32(0, true) !== magic) throw new Error("this is no pcap file");
      this.#linkType = view.getUint32(20, true);
      at = fileHeaderBytes;
    }
    const packets: Uint8Array[] = [];
    while (all.length - at >= recordHeaderBytes) {
      const end = at + recordHeaderBytes + view.getUint32(at + 8, true);
      if (all.length < end) break;
      packets.push(all.subarray(at + recordHeaderBytes, end));
      at = end;
    }
    this.#rest = all.slice(at);
    return packets;
  }
}
