import { playAll } from "./play-all.ts";

playAll("rack-spine-dual");
