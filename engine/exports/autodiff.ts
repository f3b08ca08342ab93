/** Reverse-mode differentiation of ONNX graphs, graph to graph. */
export { gradient } from "../autodiff/gradient.ts";
