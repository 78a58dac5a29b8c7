"""Part of a fake, see fakes/vllm."""
