"""Speech tokens to sound: conditioning on a voice, flow, vocoder, watermark."""
