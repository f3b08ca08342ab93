import { existsSync } from "node:fs";

/** A WebGPU adapter in software, from Debian's `chromium` and `libvulkan1`. */
export const softwareAdapter = "/usr/lib/chromium/vk_swiftshader_icd.json";
const vulkan = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib/aarch64-linux-gnu/libvulkan.so.1"];
export const hasSoftwareAdapter = existsSync(softwareAdapter) && vulkan.some((path) => existsSync(path));
